/** Contact properties that agents work with, and what they are called in answers. */
export const contactFields = {
  email: 'email',
  firstname: 'firstname',
  lastname: 'lastname',
  phone: 'phone',
  company: 'company',
  jobtitle: 'jobtitle',
  lifecyclestage: 'lifecycle_stage',
} as const;

export const contactProperties = Object.keys(contactFields);
